"""The hub's vocabulary: frozen types, no behaviour beyond their own validity."""
