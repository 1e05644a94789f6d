package dev.entrepot.replicator.bundle;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** Volumes that are tars. */
record TarWriter(EntryCopy copy) implements VolumeWriter {
    /** How much of a tar is there and right. */
    private record Prefix(int entries, long bytes) {}

    @Override
    public boolean isThere(Path place, List<VolumeEntry> entries) throws IOException {
        if (!Files.isRegularFile(place)) {
            return false;
        }
        try (FileChannel in = FileChannel.open(place, StandardOpenOption.READ)) {
            Prefix prefix = prefix(in, entries);
            return prefix.entries() == entries.size()
                    && in.size() == prefix.bytes() + VolumePlan.END_BYTES
                    && copy.matches(new byte[VolumePlan.END_BYTES], in.position(prefix.bytes()));
        }
    }

    private Prefix prefix(FileChannel in, List<VolumeEntry> entries) throws IOException {
        long good = 0;
        for (int i = 0; i < entries.size(); i++) {
            VolumeEntry entry = entries.get(i);
            in.position(good);
            boolean whole = copy.matches(entry.header(), in)
                    && copy.matches(entry, in)
                    && copy.matches(new byte[entry.paddingBytes()], in);
            if (!whole) {
                return new Prefix(i, good);
            }
            good += entry.tarBytes();
        }
        return new Prefix(entries.size(), good);
    }

    @Override
    public long asideBytes(Path place) throws IOException {
        Path aside = VolumeWriter.aside(place);
        return Files.exists(aside) ? Files.size(aside) : 0;
    }

    @Override
    public void write(Path place, List<VolumeEntry> entries, VolumeContent content) throws IOException {
        Path aside = VolumeWriter.aside(place);
        try (FileChannel channel =
                FileChannel.open(aside, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            Prefix prefix = prefix(channel, entries);
            channel.truncate(prefix.bytes());
            channel.position(prefix.bytes());
            for (VolumeEntry entry : entries.subList(prefix.entries(), entries.size())) {
                EntryCopy.put(channel, ByteBuffer.wrap(entry.header()));
                copy.write(entry, content, channel);
                EntryCopy.put(channel, ByteBuffer.allocate(entry.paddingBytes()));
            }
            EntryCopy.put(channel, ByteBuffer.allocate(VolumePlan.END_BYTES));
            channel.force(true);
        }
        Files.move(aside, place, StandardCopyOption.ATOMIC_MOVE);
        FolderWriter.force(place.resolveSibling(""));
    }
}
