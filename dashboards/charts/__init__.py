"""Chart builders: a frame and a language in, a Plotly figure out. Pure; any frame with the named columns will do, empty ones too."""
