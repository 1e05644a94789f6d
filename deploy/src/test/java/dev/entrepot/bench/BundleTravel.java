package dev.entrepot.bench;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.TestRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A signed bundle of 2 GiB that the cache has: exported (and once more where it has nothing of it), imported into a
 * layout and into distribution's registry, and then one changed layer after another as differences by receipt. Against
 * {@code tar} and {@code sha256sum} over the same files. Processes are timed whole.
 */
final class BundleTravel implements Scenario {
    private static final Goal SPEED = new Goal.AtMost(1.3);
    private static final Goal MEMORY = new Goal.AtMost(128);

    /** One thing that was timed: as a difference, what it weighs is told too. */
    private record Change(
            FinishedProcess export,
            FinishedProcess packed,
            FinishedProcess imported,
            FinishedProcess unpacked,
            double size) {}

    @Override
    public String name() {
        return "bundle";
    }

    @Override
    public void run(Bench bench) throws Exception {
        Path folder = bench.workspace().newFolder("bundle");
        try (TestRegistry source = TestRegistry.started()) {
            BundleContent content = new BundleContent(source);
            Digest first = content.pushFirst();
            Files.writeString(folder.resolve("entrepot.yaml"), """
                    cache: {directory: "%s/data", capacity: 8GiB, min-free: 1MiB, fresh-for: 0s}
                    upstreams: {registry.test: {url: "%s"}}
                    """.formatted(folder, source.uri()));
            makeKey(bench, folder);
            export(bench, folder, 1, "layout", List.of("--keep"));
            exports(bench, folder);
            imports(bench, folder, first);
            changes(bench, folder, content);
        }
    }

    private static void exports(Bench bench, Path folder) throws Exception {
        Rounds<FinishedProcess> rounds = new Rounds<FinishedProcess>()
                .add("ours", () -> export(bench, folder, 1, "ours.tar", List.of()))
                .add("tar", () -> packed(bench, folder, "layout"))
                .add("cold", () -> cold(bench, folder))
                .run(bench.options().rounds());
        report(bench, "export of 2 GiB", rounds, "tar and sha256sum");
        String what = "export of 2 GiB that the cache lacks, straight from the upstream";
        bench.section()
                .ratio(
                        what + ", s",
                        rounds.of("cold", FinishedProcess::seconds),
                        "tar and sha256sum",
                        rounds.of("tar", FinishedProcess::seconds),
                        new Goal.Open());
        bench.section()
                .figure(
                        what + ", peak memory of the process, MiB",
                        rounds.of("cold", FinishedProcess::peakMebibytes),
                        MEMORY);
        delete(folder.resolve("cold"));
        delete(folder.resolve("cold.tar"));
    }

    // As on a machine that has pulled nothing of it; the upstream is this process.
    private static FinishedProcess cold(Bench bench, Path folder) throws Exception {
        delete(folder.resolve("cold"));
        return export(
                bench,
                folder,
                1,
                "cold.tar",
                List.of("--data", folder.resolve("cold").toString()));
    }

    private static void imports(Bench bench, Path folder, Digest manifest) throws Exception {
        Rounds<FinishedProcess> rounds = new Rounds<FinishedProcess>()
                .add("ours", () -> {
                    delete(folder.resolve("arrived"));
                    delete(folder.resolve("there"));
                    return imported(bench, folder, "ours.tar", "layout:" + folder.resolve("arrived"));
                })
                .add("tar", () -> unpacked(bench, folder, "ours.tar"))
                .run(bench.options().rounds());
        report(bench, "import of 2 GiB into a layout", rounds, "tar and sha256sum");
        Rounds<FinishedProcess> registries = new Rounds<FinishedProcess>()
                .add(
                        "ours",
                        () -> intoRegistry(bench, folder, (work, port) -> {
                            delete(folder.resolve("there"));
                            return imported(bench, folder, "ours.tar", "http://127.0.0.1:" + port);
                        }))
                .add("oras", () -> intoRegistry(bench, folder, (work, port) -> oras(bench, folder, manifest, port)))
                .add("tar", () -> unpacked(bench, folder, "ours.tar"))
                .run(bench.options().rounds());
        bench.section()
                .ratio(
                        "import of 2 GiB into distribution's registry, s",
                        registries.of("ours", FinishedProcess::seconds),
                        "oras cp",
                        registries.of("oras", FinishedProcess::seconds),
                        new Goal.Open());
        bench.section()
                .ratio(
                        "the same",
                        registries.of("ours", FinishedProcess::seconds),
                        "tar and sha256sum",
                        registries.of("tar", FinishedProcess::seconds),
                        new Goal.Open());
        bench.section()
                .figure(
                        "the same, peak memory of the process, MiB",
                        registries.of("ours", FinishedProcess::peakMebibytes),
                        MEMORY);
        delete(folder.resolve("ours.tar"));
        delete(folder.resolve("layout"));
    }

    private static void changes(Bench bench, Path folder, BundleContent content) throws Exception {
        Rounds<Change> rounds = new Rounds<Change>()
                .add("ours", () -> change(bench, folder, content))
                .run(bench.options().rounds());
        Report.Section section = bench.section();
        section.figure(
                "one changed layer of 256 MiB, bytes of the difference per byte of it",
                rounds.of("ours", Change::size),
                new Goal.AtMost(1.001));
        section.ratio(
                "its export, s",
                rounds.of("ours", change -> change.export().seconds()),
                "tar and sha256sum",
                rounds.of("ours", change -> change.packed().seconds()),
                new Goal.Open());
        section.ratio(
                "its import into a layout, s",
                rounds.of("ours", change -> change.imported().seconds()),
                "tar and sha256sum",
                rounds.of("ours", change -> change.unpacked().seconds()),
                new Goal.Open());
        section.figure(
                "its export, peak memory of the process, MiB",
                rounds.of("ours", change -> change.export().peakMebibytes()),
                MEMORY);
        section.figure(
                "its import, peak memory of the process, MiB",
                rounds.of("ours", change -> change.imported().peakMebibytes()),
                MEMORY);
    }

    // The layout holds what has travelled so far; each change goes there against the receipt of the one before.
    private static Change change(Bench bench, Path folder, BundleContent content) throws Exception {
        int version = content.pushNext();
        Files.writeString(folder.resolve("list"), BundleContent.image(version) + "\n");
        run(bench, folder, "cache", "warm", folder.resolve("list").toString());
        List<String> since = List.of(
                "--since",
                folder.resolve("receipt.json").toString(),
                "--trust",
                folder.resolve("key.pub").toString());
        FinishedProcess export = export(bench, folder, version, "change.tar", since);
        double size = (double) Files.size(folder.resolve("change.tar")) / BundleContent.LAYER_BYTES;
        FinishedProcess imported = imported(bench, folder, "change.tar", "layout:" + folder.resolve("arrived"));
        FinishedProcess unpacked = unpacked(bench, folder, "change.tar");
        return new Change(export, packed(bench, folder, "unpacked"), imported, unpacked, size);
    }

    private static FinishedProcess export(Bench bench, Path folder, int version, String output, List<String> options)
            throws Exception {
        delete(folder.resolve(output));
        bench.workspace().settle();
        List<String> arguments = new ArrayList<>(List.of(
                "export",
                BundleContent.image(version),
                "--key",
                folder.resolve("key.pem").toString(),
                "--output",
                folder.resolve(output).toString()));
        arguments.addAll(options);
        return run(bench, folder, arguments.toArray(String[]::new));
    }

    // Each import begins as on a machine that has never seen the bundle.
    private static FinishedProcess imported(Bench bench, Path folder, String bundle, String target) throws Exception {
        bench.workspace().settle();
        return run(
                bench,
                folder,
                "import",
                folder.resolve(bundle).toString(),
                "--to",
                target,
                "--data",
                folder.resolve("there").toString(),
                "--trust",
                folder.resolve("key.pub").toString(),
                "--receipt",
                folder.resolve("receipt.json").toString(),
                "--receipt-key",
                folder.resolve("key.pem").toString());
    }

    private static FinishedProcess run(Bench bench, Path folder, String... arguments) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(bench.workspace().project().resolve("entrepot").toString());
        command.addAll(List.of(arguments));
        command.addAll(List.of("--config", folder.resolve("entrepot.yaml").toString()));
        return FinishedProcess.run(command, Map.of(), folder.resolve("log"));
    }

    /** Something that is measured against a registry of its own. */
    private interface Upload {
        FinishedProcess to(Path folder, int port) throws Exception;
    }

    private static FinishedProcess intoRegistry(Bench bench, Path folder, Upload upload) throws Exception {
        Path registry = bench.workspace().newFolder("registry");
        int port = bench.workspace().freePort();
        try (ServerProcess _ = DistributionRegistry.start(registry, port)) {
            return upload.to(folder, port);
        } finally {
            delete(registry);
        }
    }

    private static FinishedProcess oras(Bench bench, Path folder, Digest manifest, int port) throws Exception {
        bench.workspace().settle();
        List<String> command = List.of(
                "oras",
                "cp",
                "-r",
                "--no-tty",
                "--to-plain-http",
                "--from-oci-layout",
                folder.resolve("ours.tar") + "@" + manifest,
                "127.0.0.1:" + port + "/bench/app:v1");
        return FinishedProcess.run(command, Map.of(), folder.resolve("log"));
    }

    // The hash is read from the files, as one does who wants to say what is in the tar.
    private static FinishedProcess packed(Bench bench, Path folder, String files) throws Exception {
        delete(folder.resolve("theirs.tar"));
        bench.workspace().settle();
        return shell(folder, "tar -cf theirs.tar " + files + " && find " + files + " -type f -exec sha256sum {} +");
    }

    private static FinishedProcess unpacked(Bench bench, Path folder, String bundle) throws Exception {
        delete(folder.resolve("unpacked"));
        Files.createDirectory(folder.resolve("unpacked"));
        bench.workspace().settle();
        return shell(folder, "tar -xf " + bundle + " -C unpacked && find unpacked -type f -exec sha256sum {} +");
    }

    private static FinishedProcess shell(Path folder, String script) throws Exception {
        List<String> command = List.of("sh", "-c", "cd \"$1\" && " + script, "sh", folder.toString());
        return FinishedProcess.run(command, Map.of(), folder.resolve("log"));
    }

    private static void report(Bench bench, String what, Rounds<FinishedProcess> rounds, String peer) {
        bench.section()
                .ratio(
                        what + ", s",
                        rounds.of("ours", FinishedProcess::seconds),
                        peer,
                        rounds.of("tar", FinishedProcess::seconds),
                        SPEED);
        bench.section()
                .figure(
                        what + ", peak memory of the process, MiB",
                        rounds.of("ours", FinishedProcess::peakMebibytes),
                        MEMORY);
    }

    private static void makeKey(Bench bench, Path folder) throws Exception {
        String key = folder.resolve("key.pem").toString();
        bench.workspace()
                .runTool(List.of(
                        "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key));
        bench.workspace()
                .runTool(List.of(
                        "openssl",
                        "pkey",
                        "-in",
                        key,
                        "-pubout",
                        "-out",
                        folder.resolve("key.pub").toString()));
    }

    private static void delete(Path path) throws Exception {
        if (Files.exists(path)) {
            try (Stream<Path> all = Files.walk(path)) {
                for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(each);
                }
            }
        }
    }
}
