package dev.entrepot.replicator.bundle;

import dev.entrepot.config.NamePattern;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.ReplicationRunner;
import dev.entrepot.replicator.SourceRegistry;
import dev.entrepot.replicator.graph.GraphScope;
import dev.entrepot.replicator.graph.ManifestShelf;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import dev.entrepot.replicator.graph.RequestLimit;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Makes a receipt of a target alone, without a bundle: of what is in its repositories now, and of what imports remember
 * of it. So a side that lost its data folder, or that has another one, has a receipt again, and the next import goes on
 * from there. For one use.
 */
public final class TargetReceipt {
    private static final int REQUESTS = 16;
    private static final long SHELF_BYTES = 8L << 20;

    private final ImportNames names;
    private final SourceRegistry there;
    private final Function<RepositoryName, RepositorySource> reader;
    private final ArrivedFile arrived;
    private final ImportFolder folder;
    private final ReplicationRunner runner;
    private final ReplicationRule rule;
    private final RequestLimit limit = new RequestLimit(REQUESTS);
    private final ManifestShelf shelf = new ManifestShelf(SHELF_BYTES);

    /**
     * A receipt that is not made yet.
     *
     * @param names as imports to this target have them
     * @param there the target, to read its catalog
     * @param reader its repositories, with patience for outages
     * @param folder where imports remember things; the caller has its lock
     * @param runner writes to the journal of that folder
     */
    public TargetReceipt(
            ImportNames names,
            ImportTarget target,
            SourceRegistry there,
            Function<RepositoryName, RepositorySource> reader,
            ImportFolder folder,
            ReplicationRunner runner) {
        this.names = names;
        this.there = there;
        this.reader = reader;
        this.folder = folder;
        this.arrived = folder.arrived(target.registry().name());
        this.runner = runner;
        this.rule = ImportRule.of(
                "receipt of " + target.registry().name(), there, ImportRule.placement(target, names), target);
    }

    /**
     * A receipt, and what is not in it.
     *
     * @param receipt the receipt
     * @param unread repositories and tags that could not be read, and why, each a line for people
     */
    public record Made(Receipt receipt, List<String> unread) {
        /** Copies the list. */
        public Made {
            unread = List.copyOf(unread);
        }
    }

    /**
     * Looks at the target and makes the receipt. What was found is remembered as if imports had brought it.
     *
     * @param repositories names of the source, or globs; all of the catalog if there are none
     * @throws BundleException if the catalog is needed and not to be had
     * @throws IOException if the target gave no answer, or a file fails
     */
    public Made make(List<NamePattern> repositories) throws IOException {
        Arrived all = arrived.read();
        Arrived found = new Arrived();
        List<String> unread = new ArrayList<>();
        for (RepositoryName repository : selected(repositories)) {
            RepositoryDiscovery discovery =
                    new RepositoryDiscovery(reader.apply(names.repository(repository)), GraphScope.WHOLE, limit, shelf);
            int before = found.images().size();
            unread.addAll(new TargetSurvey(discovery, repository, names).survey(found));
            if (found.images().size() == before) {
                unread.add(there.name() + " has no image in " + names.repository(repository));
            }
        }
        all.addAll(found);
        arrived.write(all, rule.targets().getFirst().registry().name());
        Arrived kept = arrived.read();
        Receipt receipt = new ReceiptMaker(names, rule, runner, kept, folder.now()).ofTarget();
        arrived.write(kept, receipt.target());
        return new Made(receipt, unread);
    }

    private SortedSet<RepositoryName> selected(List<NamePattern> patterns) throws IOException {
        SortedSet<RepositoryName> selected = new TreeSet<>();
        List<Predicate<String>> globs = new ArrayList<>();
        for (NamePattern pattern : patterns) {
            if (pattern.kind() == NamePattern.Kind.EXACT) {
                selected.add(named(pattern.text()));
            } else {
                globs.add(pattern.matcher());
            }
        }
        if (patterns.isEmpty() || !globs.isEmpty()) {
            for (RepositoryName at : catalog()) {
                Optional<RepositoryName> name = names.source(at);
                name.filter(known -> patterns.isEmpty() || globs.stream().anyMatch(glob -> glob.test(known.value())))
                        .ifPresent(selected::add);
            }
        }
        return selected;
    }

    private RepositoryName named(String text) throws BundleException {
        try {
            RepositoryName name = new RepositoryName(text);
            names.repository(name);
            return name;
        } catch (InvalidNameException e) {
            throw new BundleException("the name of " + text + " at the target is not valid: " + e.getMessage(), e);
        }
    }

    private List<RepositoryName> catalog() throws IOException {
        try {
            return there.catalog();
        } catch (RegistryException e) {
            throw new BundleException(
                    "the catalog of " + there.name()
                            + " is not to be had; name the repositories, as the source calls them: " + e.getMessage(),
                    e);
        }
    }
}
