package dev.entrepot.bench;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** The nouns that requests and fetches are made of. Run by {@code deploy/bench/jmh}. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class NounsBenchmark {
    private static final int LAYERS = 10;

    private final String digestText = Digest.sha256(new byte[1]).toString();
    private final Digest digest = Digest.parse(digestText);
    private final byte[] manifest = manifest().getBytes(StandardCharsets.UTF_8);
    private final byte[] mebibyte = new byte[1 << 20];

    private static String manifest() {
        String digest = Digest.sha256(new byte[0]).toString();
        String layers = IntStream.range(0, LAYERS)
                .mapToObj(i -> "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%d}"
                        .formatted("application/vnd.oci.image.layer.v1.tar+gzip", digest, 1000 + i))
                .collect(Collectors.joining(","));
        return "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":7},\"layers\":[%s]}"
                .formatted(MediaType.OCI_MANIFEST.value(), "application/vnd.oci.image.config.v1+json", digest, layers);
    }

    /** A digest from its text. */
    @Benchmark
    public Object digestParse() {
        return Digest.parse(digestText);
    }

    /** A digest as text, for a header. */
    @Benchmark
    public Object digestFormat() {
        return digest.toString();
    }

    /** A manifest of ten layers: hashed and parsed. */
    @Benchmark
    public Object manifestOfTenLayers() throws InvalidContentException {
        return Manifest.parse(ManifestBytes.of(MediaType.OCI_MANIFEST, manifest));
    }

    /** SHA-256 of one MiB: the price of verifying, which nothing avoids. */
    @Benchmark
    public Object sha256OfOneMebibyte() {
        return Digest.sha256(mebibyte);
    }
}
