"""Personas made from evidence: CRM, website and WeChat streams in, audited persona marts out."""

__version__ = "0.1.0"
