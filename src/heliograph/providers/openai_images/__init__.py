"""Image servers that speak OpenAI's images API: vLLM-Omni, SGLang Diffusion and their like."""
