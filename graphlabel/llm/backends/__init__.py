"""Who answers: one file a kind of service or model."""
