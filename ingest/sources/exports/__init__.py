"""What hospitals and registries export: FHIR, HL7 version 2, REDCap."""
