"""Label methods that ask a language model or an activation verbalizer, one file each."""
