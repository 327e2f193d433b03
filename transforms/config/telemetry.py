"""What a configuration says of telemetry."""

from pydantic import BaseModel, ConfigDict, Field


class Telemetry(BaseModel):
    """Where spans and metrics go by OTLP over HTTP; left open, what OpenTelemetry's variable says.

    Headers, with what secrets they hold, are given in OTEL_EXPORTER_OTLP_HEADERS alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    otlp_endpoint: str | None = Field(None, pattern=r"^https?://")
