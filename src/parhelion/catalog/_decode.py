"""Decoding: any supported file to uint8 pixels, or one reason why not."""
