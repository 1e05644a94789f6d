package dev.entrepot.proxy.replication;

import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.replicator.TargetRegistry;
import dev.entrepot.replicator.layout.OciLayout;

/**
 * A folder of image layouts that is copied to.
 *
 * @param name the name of it in reports, metrics and the journal
 * @param layout the folder, which other targets may share
 */
record LayoutTarget(String name, OciLayout layout) implements TargetRegistry {
    @Override
    public RepositoryTarget target(RepositoryName repository) {
        return layout.target(repository);
    }

    @Override
    public RepositorySource reader(RepositoryName repository) {
        return layout.reader(repository);
    }
}
