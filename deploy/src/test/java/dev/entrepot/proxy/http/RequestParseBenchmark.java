package dev.entrepot.proxy.http;

import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.proxy.http.RegistryRequest.ManifestRequest;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What every request pays before the cache is asked: its path is read and its upstream found. Run by
 * {@code deploy/bench/jmh}.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class RequestParseBenchmark {
    private static final String DIGEST = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    private final String byDigest = "/v2/registry.test/team/app/manifests/" + DIGEST;
    private final String byTag = "/v2/registry.test/team/app/manifests/v1.2.3";
    private final String blob = "/v2/registry.test/team/app/blobs/" + DIGEST;
    private final UpstreamRouter router = new UpstreamRouter(
            List.of(new UpstreamNames(RegistryHost.parse("registry.test"), List.of(), List.of())), Optional.empty());

    /** A manifest by digest. */
    @Benchmark
    public Object manifestByDigest() {
        return RegistryRequest.parse("GET", byDigest, "");
    }

    /** A manifest by tag, with the namespace that containerd sends. */
    @Benchmark
    public Object manifestByTagWithNamespace() {
        return RegistryRequest.parse("GET", byTag, "ns=registry.test");
    }

    /** A blob. */
    @Benchmark
    public Object blob() {
        return RegistryRequest.parse("GET", blob, "");
    }

    /** A manifest by tag, and the upstream that is meant. */
    @Benchmark
    public Object manifestByTagRouted() throws NotFoundException {
        ManifestRequest request = (ManifestRequest) RegistryRequest.parse("GET", byTag, "");
        return router.route(request.name(), "127.0.0.1:5000");
    }
}
