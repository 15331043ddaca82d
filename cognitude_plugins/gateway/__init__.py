"""The core: it reads the configuration, compiles the pipeline and serves it. Plugins never import it."""
