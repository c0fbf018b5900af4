"""What a WSGI server loads: ``app``, made from the settings file and the environment."""

from chm_node.app import create_app
from chm_node.settings import Settings

app = create_app(Settings.load())
