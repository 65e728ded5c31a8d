"""From a network to model.onnx and card.json."""
