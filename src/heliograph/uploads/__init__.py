"""Pictures that customers give us, to be used as reference images."""
