"""Charts that paint what was measured; one file each."""
