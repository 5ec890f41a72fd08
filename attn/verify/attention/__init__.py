"""What single attentions prove of themselves."""

from attn.registry import import_modules

import_modules(__name__, __path__)
