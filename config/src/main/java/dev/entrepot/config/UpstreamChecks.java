package dev.entrepot.config;

import dev.entrepot.oci.RegistryHost;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** What upstreams may not say against each other: no host name and no alias may mean two of them. */
final class UpstreamChecks {
    private final Map<RegistryHost, UpstreamConfig> upstreams;
    private final Reading reading;

    UpstreamChecks(Map<RegistryHost, UpstreamConfig> upstreams, Reading reading) {
        this.upstreams = upstreams;
        this.reading = reading;
    }

    /** Records every contradiction. */
    void check() {
        Map<String, RegistryHost> owners = new HashMap<>();
        upstreams.keySet().forEach(name -> owners.put(name.value(), name));
        for (UpstreamConfig upstream : upstreams.values()) {
            String path = reading.pathOf(upstream);
            for (int i = 0; i < upstream.hosts().size(); i++) {
                claim(upstream.hosts().get(i).value(), upstream.name(), owners, path + ".hosts[" + i + "]");
            }
            for (int i = 0; i < upstream.aliases().size(); i++) {
                claim(upstream.aliases().get(i), upstream.name(), owners, path + ".aliases[" + i + "]");
            }
        }
    }

    private void claim(String word, RegistryHost claimant, Map<String, RegistryHost> owners, String path) {
        RegistryHost owner = owners.putIfAbsent(word, claimant);
        if (owner != null && !owner.equals(claimant)) {
            reading.conflict(path, word + " already means the upstream " + owner);
        }
    }

    /**
     * Records that a path names an upstream that there is none of, unless that upstream is there with errors of its
     * own.
     *
     * @param written its name as it is written, which may mean another ({@link Reading#upstreamMeant})
     */
    static void refuseUnknown(
            RegistryHost written, String path, Map<RegistryHost, UpstreamConfig> upstreams, Reading reading) {
        RegistryHost meant = reading.upstreamMeant(written);
        if (reading.wasFound(ConfigNode.entry(RootKeys.UPSTREAMS_PATH, meant))) {
            return;
        }
        Optional<String> nearest = Nearest.to(
                meant.value(),
                upstreams.keySet().stream().map(RegistryHost::value).toList());
        reading.error(
                ConfigError.Kind.CONFLICT,
                reading.positionOf(path),
                path,
                written.value(),
                written.equals(meant)
                        ? "there is no upstream of that name; add it to upstreams"
                        : "that means " + meant + ", and there is no upstream of that name; add it to upstreams",
                nearest);
    }
}
