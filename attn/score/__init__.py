"""Parts that attentions with explicit scores are put together from."""
