package dev.entrepot.proxy;

import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.ReplicationRuleConfig;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.Reference;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Tag;
import dev.entrepot.proxy.replication.BadRequestException;
import dev.entrepot.proxy.replication.ExportSources;
import dev.entrepot.proxy.replication.UserInName;
import dev.entrepot.replicator.DiscoveredImage;
import dev.entrepot.replicator.ItemReport;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.SourceGraphs;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What an export is of: a rule of the configuration, or images by name.
 *
 * @param names as the command has them
 * @param rule the rule, if it is one
 * @param images else the images, by the registry that they are from
 */
record ExportSelection(
        List<String> names, Optional<ReplicationRuleConfig> rule, Map<RegistryHost, List<SourceGraphs.Named>> images) {
    private static final Tag LATEST = new Tag("latest");
    private static final String TARGET = "bundle";

    /**
     * Reads what a command names. What is the name of a rule is that rule.
     *
     * @throws BadRequestException if it is neither
     */
    static ExportSelection parse(List<String> names, EntrepotConfig config) throws BadRequestException {
        for (ReplicationRuleConfig rule : config.replication().rules()) {
            if (names.contains(rule.name())) {
                if (names.size() > 1) {
                    throw new BadRequestException(
                            "name the rule " + rule.name() + " alone, or images; an export is of one rule");
                }
                return new ExportSelection(names, Optional.of(rule), Map.of());
            }
        }
        Map<RegistryHost, List<SourceGraphs.Named>> images = new LinkedHashMap<>();
        for (String name : names) {
            Reference reference = reference(name, config);
            Tag tag = reference.tag().orElse(LATEST);
            add(
                    new SourceGraphs.Named(reference.repository().name(), reference.manifest(), tag),
                    images.computeIfAbsent(reference.repository().registry(), host -> new ArrayList<>()));
        }
        return new ExportSelection(names, Optional.empty(), images);
    }

    private static void add(SourceGraphs.Named image, List<SourceGraphs.Named> images) throws BadRequestException {
        for (SourceGraphs.Named known : images) {
            boolean same =
                    known.repository().equals(image.repository()) && known.tag().equals(image.tag());
            if (same && !known.equals(image)) {
                throw new BadRequestException(image.repository() + ":" + image.tag() + " is to be " + known.reference()
                        + " and " + image.reference() + "; a bundle has each tag once");
            }
        }
        if (!images.contains(image)) {
            images.add(image);
        }
    }

    private static Reference reference(String name, EntrepotConfig config) throws BadRequestException {
        UserInName.refuse(name);
        try {
            Reference reference = Reference.parse(name);
            if (reference.tag().isEmpty() && reference.digest().isPresent()) {
                throw new BadRequestException(
                        name + " needs the tag that it is to have: registry/repository:tag@digest");
            }
            return reference;
        } catch (InvalidNameException e) {
            List<String> rules = config.replication().rules().stream()
                    .map(ReplicationRuleConfig::name)
                    .toList();
            throw new BadRequestException(name + " is not a rule"
                    + (rules.isEmpty() ? " (there is none)" : " (there are " + String.join(", ", rules) + ")")
                    + " and not an image: " + e.getMessage());
        }
    }

    /** For messages. */
    String shown() {
        return String.join(", ", names);
    }

    /** A text that is another one when another selection is configured or named. */
    String key() {
        return rule.map(config -> config.name() + " " + config.source() + " " + config.repositories() + " "
                        + config.tags() + " " + config.platforms() + " " + config.referrers())
                .orElseGet(() -> String.join(" ", names));
    }

    /**
     * Finds everything that is selected.
     *
     * @throws BadRequestException if a registry is not configured
     * @throws IOException if the thread is interrupted or a client cannot be set up
     */
    SourceGraphs.Found find(SourceGraphs graphs, ExportSources sources) throws IOException, BadRequestException {
        if (rule.isPresent()) {
            ReplicationRule selecting = ReplicationRule.selecting(
                    rule.get(), sources.source(rule.get().source()));
            return graphs.ofRule(selecting, TARGET);
        }
        List<SourceGraphs.Found> found = new ArrayList<>();
        for (Map.Entry<RegistryHost, List<SourceGraphs.Named>> entry : images.entrySet()) {
            ReplicationRule whole = ReplicationRule.wholeImages(shown(), sources.source(entry.getKey()));
            found.add(graphs.named(whole, entry.getValue(), TARGET));
        }
        return found.size() == 1 ? found.getFirst() : merged(found);
    }

    private static SourceGraphs.Found merged(List<SourceGraphs.Found> found) {
        List<DiscoveredImage> images =
                found.stream().flatMap(each -> each.images().stream()).toList();
        List<ItemReport> items =
                found.stream().flatMap(each -> each.report().items().stream()).toList();
        ReplicationReport first = found.getFirst().report();
        return new SourceGraphs.Found(
                images,
                new ReplicationReport(
                        first.run(),
                        first.rule(),
                        first.trigger(),
                        first.started(),
                        found.getLast().report().ended(),
                        items,
                        List.of(),
                        found.stream()
                                .mapToLong(each -> each.report().sourceRequests())
                                .sum(),
                        first.failure(),
                        found.stream()
                                .flatMap(each -> each.report().warnings().stream())
                                .toList()));
    }
}
