"""How Sphinx makes the site of the pages that stage.py laid out; called by build.sh."""
project = "mixcse"
html_title = "mixcse"
extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]
# Sections can be linked to as on other sites; a link that leads nowhere is a warning, and warnings end the build.
myst_heading_anchors = 4
html_theme = "furo"
html_show_sphinx = html_show_copyright = False
# Two dashes begin a flag.
smartquotes = False
html_copy_source = False
# Blocks of a terminal hold more than a shell's grammar.
suppress_warnings = ["misc.highlighting_failure"]
