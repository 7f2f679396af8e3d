"""The pages of a release: self-contained HTML in Chinese and English."""

from persona_warehouse.report.page import render_dictionary, render_report

__all__ = ["render_dictionary", "render_report"]
