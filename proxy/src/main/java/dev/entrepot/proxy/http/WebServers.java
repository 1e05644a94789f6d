package dev.entrepot.proxy.http;

import io.helidon.http.media.MediaContext;
import io.helidon.service.registry.GlobalServiceRegistry;
import io.helidon.service.registry.ServiceRegistryConfig;
import io.helidon.service.registry.ServiceRegistryManager;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.WebServerConfig;
import io.helidon.webserver.http.HttpRouting;
import io.helidon.webserver.http1.Http1Config;

/** What all web servers of the process have in common. */
public final class WebServers {
    private WebServers() {}

    /**
     * A server to be set up, which looks for no extension on the class path: there is none, and looking takes a fifth
     * of a second of the start.
     */
    public static WebServerConfig.Builder builder() {
        Registry.withoutDiscovery();
        return WebServer.builder();
    }

    /**
     * Begins to set the library up, on a thread of its own, while other things are opened: it takes about as long as
     * these. Whoever needs it before it is done waits for the rest.
     */
    public static void prepare() {
        Thread.ofPlatform().daemon().name("web-servers").start(() -> {
            builder();
            Http1Config.create();
            HttpRouting.builder().build();
            MediaContext.create();
        });
    }

    /**
     * The library's registry of extensions, which it keeps in a static field; set once, before it would make its own.
     */
    private static final class Registry {
        static {
            GlobalServiceRegistry.registry(ServiceRegistryManager.create(ServiceRegistryConfig.builder()
                            .discoverServices(false)
                            .discoverServicesFromServiceLoader(false)
                            .build())
                    .registry());
        }

        private Registry() {}

        static void withoutDiscovery() {
            // Loading the class does it.
        }
    }
}
