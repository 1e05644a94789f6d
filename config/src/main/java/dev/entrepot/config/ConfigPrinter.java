package dev.entrepot.config;

import java.util.Map;

/** Shows the effective configuration as YAML, with the origin of each value as a comment and every secret masked. */
public final class ConfigPrinter {
    private final LoadedConfig loaded;
    private final StringBuilder out = new StringBuilder();

    private ConfigPrinter(LoadedConfig loaded) {
        this.loaded = loaded;
    }

    /** The whole configuration. But for its secrets, it can be loaded again and means the same. */
    public static String print(LoadedConfig loaded) {
        ConfigPrinter printer = new ConfigPrinter(loaded);
        printer.nested(RootKeys.SECTION.print(loaded.config()), "", "");
        return printer.out.toString();
    }

    private void nested(Printed value, String path, String indent) {
        switch (value) {
            case Printed.Entries entries -> entries(entries, path, indent, indent);
            case Printed.Items items -> items(items, path, indent);
            case Printed.Scalar scalar -> line(indent + scalar.text(), path);
            case Printed.Nothing nothing -> {}
        }
    }

    // The first entry of a list element stands behind the dash, so that its start differs from that of the others.
    private void entries(Printed.Entries entries, String path, String first, String indent) {
        String start = first;
        for (Map.Entry<String, Printed> entry : entries.entries().entrySet()) {
            String childPath =
                    entries.named() ? ConfigNode.entry(path, entry.getKey()) : ConfigNode.child(path, entry.getKey());
            String key = start + YamlText.scalar(entry.getKey()) + ":";
            switch (entry.getValue()) {
                case Printed.Scalar scalar -> line(key + " " + scalar.text(), childPath);
                case Printed.Entries inner when inner.entries().isEmpty() -> line(key + " {}", childPath);
                case Printed.Entries inner -> {
                    out.append(key).append('\n');
                    nested(inner, childPath, indent + "  ");
                }
                case Printed.Items inner -> {
                    out.append(key).append('\n');
                    nested(inner, childPath, indent + "  ");
                }
                case Printed.Nothing nothing -> {
                    continue;
                }
            }
            start = indent;
        }
    }

    private void items(Printed.Items items, String path, String indent) {
        for (int i = 0; i < items.items().size(); i++) {
            String childPath = ConfigNode.entry(path, i);
            Printed item = items.items().get(i);
            if (item instanceof Printed.Entries entries) {
                entries(entries, childPath, indent + "- ", indent + "  ");
            } else {
                nested(item, childPath, indent + "- ");
            }
        }
    }

    private void line(String text, String path) {
        out.append(text).append("  # ").append(loaded.originOf(path)).append('\n');
    }
}
