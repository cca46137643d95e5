"""Deep generative models, small enough to read: VAEs, GANs and normalizing flows.

Nothing is re-exported here: the import in a chapter says where a name lives.
"""

__version__ = "0.1.0"
