"""The real SGLang server without a GPU: how it is installed, started, and made to say what a test wants."""
