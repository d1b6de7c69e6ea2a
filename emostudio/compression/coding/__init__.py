"""Bit-exact codes: fixed width, relative index, canonical Huffman, and the codecs made of them."""
