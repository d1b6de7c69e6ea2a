"""Running models: engines behind one interface, the classifier, and ONNX export."""
