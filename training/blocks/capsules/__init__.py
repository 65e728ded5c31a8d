"""Matrix capsules: 4x4 poses with activations, routed from layer to layer by expectation maximisation."""
