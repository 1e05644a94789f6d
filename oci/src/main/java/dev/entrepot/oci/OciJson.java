package dev.entrepot.oci;

import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.json.JsonMapper;

/** The one strict JSON reader for documents from outside: depth, sizes and duplicate keys are bounded or refused. */
public final class OciJson {
    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(64)
                            .maxStringLength(OciLimits.MAX_MANIFEST_BYTES)
                            .maxDocumentLength(4L * OciLimits.MAX_MANIFEST_BYTES)
                            .maxTokenCount(2_000_000)
                            .maxNameLength(4096)
                            .build())
                    .build())
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .build();

    private OciJson() {}

    /**
     * The mapper; immutable and safe for all threads. It reads documents from outside and writes documents of our own,
     * never manifests.
     */
    public static JsonMapper mapper() {
        return MAPPER;
    }
}
