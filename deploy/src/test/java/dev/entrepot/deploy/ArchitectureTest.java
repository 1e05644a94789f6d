package dev.entrepot.deploy;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * Holds the layout of docs/design.md. The list of allowed edges between packages is the reviewed decision: a new edge
 * is added here, in the same commit as the code that needs it, or the code is changed.
 */
class ArchitectureTest {
    private static final String ROOT = "dev.entrepot.";

    /** Which packages each package may use, besides its own. */
    private static final Map<String, Set<String>> ALLOWED = Map.ofEntries(
            entry("oci"),
            entry("oci.client", "oci"),
            entry("oci.client.cloud", "oci", "oci.client"),
            entry("config", "oci"),
            entry("cache", "oci"),
            entry("replicator.graph", "oci", "config"),
            entry("replicator.select", "oci", "config", "replicator.graph"),
            entry("replicator.journal", "oci"),
            entry("replicator", "oci", "config", "replicator.graph", "replicator.journal", "replicator.select"),
            entry("replicator.schedule", "config", "replicator", "replicator.journal"),
            entry("replicator.events", "oci", "config", "replicator"),
            entry("replicator.layout", "oci", "replicator"),
            entry("replicator.fill", "oci", "cache", "replicator.graph"),
            entry(
                    "replicator.bundle",
                    "oci",
                    "config",
                    "replicator",
                    "replicator.graph",
                    "replicator.journal",
                    "replicator.layout"),
            entry("proxy.http", "oci", "cache"),
            entry("proxy.log", "oci", "config"),
            entry(
                    "proxy.tracing",
                    "oci",
                    "oci.client",
                    "cache",
                    "config",
                    "proxy.admin",
                    "proxy.http",
                    "proxy.replication"),
            entry("proxy.admin", "oci", "cache", "proxy.http"),
            entry("proxy.access", "oci", "config", "proxy.admin", "proxy.http"),
            entry("proxy.rules", "oci", "cache", "config", "proxy.access", "proxy.admin", "proxy.http"),
            entry(
                    "proxy.replication",
                    "oci",
                    "oci.client",
                    "oci.client.cloud",
                    "cache",
                    "config",
                    "replicator",
                    "replicator.bundle",
                    "replicator.events",
                    "replicator.graph",
                    "replicator.journal",
                    "replicator.layout",
                    "replicator.schedule",
                    "proxy.admin"),
            entry("proxy.warm", "oci", "cache", "proxy.admin", "replicator.fill", "replicator.graph"),
            entry("proxy.bundle", "oci", "cache", "replicator", "replicator.bundle", "replicator.graph", "proxy.http"),
            entry("proxy.through", "oci", "oci.client", "cache", "proxy.access", "proxy.http"),
            entry("proxy.upstreams", "oci", "oci.client", "proxy.admin"),
            entry("proxy.page", "oci", "cache", "proxy.admin", "proxy.http", "proxy.replication", "proxy.upstreams"),
            entry(
                    "proxy",
                    "oci",
                    "oci.client",
                    "cache",
                    "config",
                    "replicator",
                    "replicator.fill",
                    "replicator.bundle",
                    "replicator.journal",
                    "proxy.access",
                    "proxy.admin",
                    "proxy.bundle",
                    "proxy.http",
                    "proxy.log",
                    "proxy.page",
                    "proxy.replication",
                    "proxy.rules",
                    "proxy.through",
                    "proxy.tracing",
                    "proxy.upstreams",
                    "proxy.warm"));

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .withImportOption(location -> !location.contains("-tests.jar"))
            .importPackages("dev.entrepot");

    @Test
    void packagesUseOnlyWhatTheyAreAllowedTo() {
        Map<String, Set<String>> violations = new TreeMap<>();
        for (JavaClass from : CLASSES) {
            for (Dependency dependency : from.getDirectDependenciesFromSelf()) {
                JavaClass to = dependency.getTargetClass();
                if (isOurs(to) && !isAllowed(packageOf(from), packageOf(to))) {
                    violations
                            .computeIfAbsent(packageOf(from) + " -> " + packageOf(to), key -> new TreeSet<>())
                            .add(from.getSimpleName() + " uses " + to.getSimpleName());
                }
            }
        }
        assertThat(violations).as("edges that docs/design.md does not allow").isEmpty();
    }

    @Test
    void everyAllowedPackageExists() {
        Set<String> existing = new TreeSet<>();
        CLASSES.forEach(type -> existing.add(packageOf(type)));
        assertThat(existing).containsExactlyInAnyOrderElementsOf(ALLOWED.keySet());
    }

    @Test
    void packagesHaveNoCycles() {
        slices().matching("dev.entrepot.(**)").should().beFreeOfCycles().check(CLASSES);
    }

    @Test
    void onlyTheFrontDoorKnowsTheServer() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.entrepot.proxy..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.helidon..")
                .check(CLASSES);
    }

    @Test
    void onlyTheClientKnowsHttpClient() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.entrepot.oci.client")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.apache.hc..")
                .check(CLASSES);
    }

    @Test
    void onlyTracingKnowsOpenTelemetry() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.entrepot.proxy.tracing")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.opentelemetry..")
                .check(CLASSES);
    }

    // So that nothing of them is loaded before a token of that cloud is needed.
    @Test
    void onlyOnePlaceKnowsTheLibraryOfEachCloud() {
        noClasses()
                .that()
                .haveNameNotMatching(".*\\.cloud\\.Google(Library|Transport)(\\$.*)?")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("com.google..")
                .check(CLASSES);
        noClasses()
                .that()
                .haveNameNotMatching(".*\\.cloud\\.EntraLibrary(\\$.*)?")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("com.microsoft..", "com.azure..")
                .check(CLASSES);
    }

    @Test
    void nothingUsesReflectionOrThreadLocals() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAPackage("java.lang.reflect")
                .check(CLASSES);
        noClasses()
                .should()
                .dependOnClassesThat()
                .areAssignableTo(ThreadLocal.class)
                .check(CLASSES);
    }

    private static Map.Entry<String, Set<String>> entry(String from, String... to) {
        return Map.entry(from, Set.of(to));
    }

    private static boolean isAllowed(String from, String to) {
        return from.equals(to) || ALLOWED.getOrDefault(from, Set.of()).contains(to);
    }

    private static boolean isOurs(JavaClass type) {
        return type.getPackageName().startsWith(ROOT);
    }

    private static String packageOf(JavaClass type) {
        String name = type.getPackageName();
        return name.startsWith(ROOT) ? name.substring(ROOT.length()) : name;
    }
}
