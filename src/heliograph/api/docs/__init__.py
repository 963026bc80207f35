"""The API reference for people: one page, made of the OpenAPI document, with assets of our own."""
