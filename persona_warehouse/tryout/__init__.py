"""The project's own readers and matchers on a file that somebody has at hand: `persona try`."""
