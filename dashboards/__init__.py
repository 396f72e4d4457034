"""What people open: Streamlit pages and Plotly charts over the published tables. It imports `lake` only and never starts Spark."""
