"""The real Wan 2.5 at Alibaba's DashScope."""
