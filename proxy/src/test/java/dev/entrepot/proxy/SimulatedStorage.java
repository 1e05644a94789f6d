package dev.entrepot.proxy;

import dev.entrepot.oci.testing.Access;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The object storage behind a registry: takes signed URLs, each once, and no other proof beside them. What it holds is
 * put into it as into a registry.
 */
final class SimulatedStorage implements AutoCloseable {
    private final TestRegistry content = TestRegistry.started();
    private final Set<String> signatures = ConcurrentHashMap.newKeySet();
    private final AtomicInteger serial = new AtomicInteger();

    SimulatedStorage() {
        content.faults().always(Requests.path("/cdn/"), new Fault() {
            @Override
            public Optional<Response> instead(Request request) {
                if (request.headers().has("Authorization")) {
                    return Optional.of(Response.of(400)); // Only one auth mechanism allowed.
                }
                boolean fresh = signatures.remove(request.query("sig").orElse(""));
                return fresh ? Optional.empty() : Optional.of(Response.of(403));
            }
        });
    }

    TestRegistry content() {
        return content;
    }

    /** Where a blob is for the next request. */
    String sign(Request request) {
        String signature = "s" + serial.incrementAndGet();
        signatures.add(signature);
        String path = request.path();
        return content.uri() + "/cdn/" + path.substring(path.lastIndexOf('/') + 1) + "?sig=" + signature;
    }

    /** Has a registry send GETs of blobs here, from those whom its door lets in. */
    void behind(TestRegistry registry, Access.Door door) {
        registry.faults().always(Requests.get().and(Requests.blobs()), new Fault() {
            @Override
            public Optional<Response> instead(Request request) {
                return Optional.of(
                        door.refusal(request).orElseGet(() -> Response.of(307).header("Location", sign(request))));
            }
        });
    }

    /** All signatures are too old. */
    void expire() {
        signatures.clear();
    }

    @Override
    public void close() {
        content.close();
    }
}
