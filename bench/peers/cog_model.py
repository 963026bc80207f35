"""A model for Cog's server whose pictures cost nothing."""

from cog import BaseRunner, Input


class Picture(BaseRunner):
    """Answers at once."""

    async def run(self, prompt: str = Input(description="what is to be seen")) -> str:
        """Nothing is made."""
        return prompt
