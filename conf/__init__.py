"""The YAML files of attn, one folder a kind."""
