"""Pictures by stable-diffusion.cpp's server, through its own asynchronous API."""
