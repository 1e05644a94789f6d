package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.Percent;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What prune makes of repositories that the catalog of the source lacks. */
class GoneRepositoriesPruneTest extends LeftoverFixture {
    private void twoRepositories() throws IOException {
        rules.repositories = List.of(NamePattern.parse("*"));
        shapes.tag("v1", shapes.image("stays"));
        Shapes other = new Shapes(source.repository("other"));
        Descriptor image = other.image("goes");
        other.referrer(image, "x/sig", "signature");
        other.tag("v1", image);
        complete();
        source.drop("other");
    }

    @Test
    void repositoryThatTheCatalogLacksIsPrunedAfterTheGraceTime() throws IOException {
        twoRepositories();
        complete();
        engine.clock.pass(Duration.ofDays(6));
        complete();
        MemoryRepository there = target.repository("mirror/other");
        assertThat(there.tags).containsKey(new Tag("v1"));
        engine.clock.pass(Duration.ofDays(2));

        assertThat(planned()).singleElement().satisfies(step -> {
            assertThat(step.name()).isEqualTo("mirror/other:v1");
            assertThat(step.reason()).startsWith("its repository is gone at the source since");
            assertThat(step.manifests()).hasSize(2);
        });
        assertThat(complete().targets().getFirst().pruned()).isEqualTo(1);
        assertThat(there.tags).isEmpty();
        assertThat(mirror.tags).containsKey(new Tag("v1"));
    }

    @Test
    void catalogThatIsEmptyOrFailsPrunesNothing() throws IOException {
        twoRepositories();
        rules.prune = new PruneConfig(true, Duration.ZERO, new Percent(100));
        source.drop("app");
        engine.run(rules);
        source.gate((index, request) -> {
            if (request.equals("GET catalog")) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "500");
            }
        });
        engine.run(rules);

        assertThat(target.requests("DELETE")).isEmpty();
    }

    @Test
    void repositoryThatTheCatalogLacksThoughTheSourceHasItIsNotPruned() throws IOException {
        twoRepositories();
        rules.prune = new PruneConfig(true, Duration.ZERO, new Percent(100));
        MemoryRepository hidden = source.repository("other");
        new Shapes(hidden).tag("v1", new Shapes(hidden).image("goes"));
        List<RepositoryName> shown = List.of(app.repository().name());
        SourceRegistry listing = new SourceRegistry() {
            @Override
            public String name() {
                return source.asSource().name();
            }

            @Override
            public RepositorySource repository(RepositoryName name) {
                return source.asSource().repository(name);
            }

            @Override
            public List<RepositoryName> catalog() {
                return shown;
            }
        };
        rules.source = listing;
        engine.run(rules);
        assertThat(target.requests("DELETE")).isEmpty();

        hidden.tags.clear();
        assertThat(planned())
                .singleElement()
                .satisfies(step -> assertThat(step.reason())
                        .contains("the source's catalog lacks other", "empty, which proves nothing"));
        source.gate((index, request) -> {
            if (request.contains("GET tags") && request.contains("other")) {
                throw new RefusedException(403, "DENIED", "not for you");
            }
        });
        assertThat(planned())
                .singleElement()
                .satisfies(step -> assertThat(step.reason()).contains("does not say that it is gone"));
        source.gate((index, request) -> {
            if (request.contains("GET tags") && request.contains("other")) {
                throw new NotFoundException(NotFoundException.Kind.NAME, "", "404 page not found");
            }
        });
        assertThat(planned())
                .singleElement()
                .satisfies(step -> assertThat(step.reason()).contains("its 404 is not in the form of a registry"));
        engine.run(rules);
        assertThat(target.requests("DELETE")).isEmpty();
    }

    @Test
    void repositoryThatIsNamedIsNotPrunedBecauseTheCatalogLacksIt() throws IOException {
        twoRepositories();
        rules.prune = new PruneConfig(true, Duration.ZERO, new Percent(100));
        rules.repositories = List.of(NamePattern.parse("a*"), NamePattern.parse("other"));
        engine.run(rules);

        assertThat(target.requests("DELETE")).isEmpty();
    }

    @Test
    void repositoryWithMoreTagsThanTheShareIsNotPruned() throws IOException {
        twoRepositories();
        prune(10);
        complete();
        engine.clock.pass(PAST);

        assertThat(complete().items())
                .anySatisfy(item -> assertThat(item.reason()).contains("1 of 2 tags are gone"));
        assertThat(target.requests("DELETE")).isEmpty();
    }

    @Test
    void tagIsPrunedThoughItsRepositoryHasNoneLeftThatTheRuleSelects() throws IOException {
        rules.tags = named("v*");
        shapes.tag("v1", shapes.image("goes"));
        shapes.tag("latest", shapes.image("never copied"));
        complete();
        app.tags.remove(new Tag("v1"));
        engine.run(rules);
        engine.clock.pass(PAST);

        assertThat(engine.run(rules).targets().getFirst().pruned()).isEqualTo(1);
        assertThat(mirror.tags).isEmpty();
    }
}
