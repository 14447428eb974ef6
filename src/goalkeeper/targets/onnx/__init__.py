"""ONNX graphs: computed by onnxruntime, and translated into torch where all operators are known."""
