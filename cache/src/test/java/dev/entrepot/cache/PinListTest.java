package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PinListTest {
    private static final Repository REPOSITORY = Repository.parse("docker.io/library/pinned");

    @TempDir
    Path directory;

    private PinList list;

    @BeforeEach
    void open() throws IOException {
        StoreLayout layout = new StoreLayout(directory);
        Files.createDirectories(layout.ingest());
        list = new PinList(layout);
    }

    private static List<Pin> pins(int count) {
        List<Pin> pins = new ArrayList<>();
        List<Platform> platforms = List.of(Platform.parse("linux/amd64"), Platform.parse("linux/arm64"));
        for (int i = 0; i < count; i++) {
            pins.add(new Pin(REPOSITORY, Digest.sha256(Integer.toString(i).getBytes()), platforms, true, i % 2 == 0));
        }
        return pins;
    }

    @Test
    void listOfVeryManyPinsIsReadAsItWasWritten() throws IOException {
        List<Pin> pins = pins(75_000);
        list.write(PinList.encode(pins));
        assertThat(list.read().orElseThrow()).isEqualTo(pins);
    }

    @Test
    void longerListThanIsReadIsNotWritten() throws IOException {
        List<Pin> pins = pins(1);
        list.write(PinList.encode(pins));
        assertThatThrownBy(() -> list.write(new byte[PinList.LONGEST_BYTES + 1]))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("entrepot cache unpin");
        assertThat(list.read()).contains(pins);
    }

    @Test
    void pinThatTheListHasNoRoomForIsRefusedAndOthersAreNot() throws IOException {
        Pin large = new Pin(
                REPOSITORY,
                new Tag("v1"),
                Collections.nCopies(350_000, Platform.parse("linux/arm64/" + "v".repeat(200))),
                true);
        Pin small = pins(1).getFirst();
        try (CacheFixture fixture = new CacheFixture(directory)) {
            PinnedGraphs pinned = fixture.evictor.pins();
            assertThatThrownBy(() -> pinned.pin(large))
                    .isInstanceOf(IOException.class)
                    .hasMessageStartingWith(large + " is not pinned")
                    .hasMessageContaining("entrepot cache unpin");
            pinned.pin(small);
            assertThat(pinned.pins()).containsExactly(small);
        }
        assertThat(list.read()).contains(List.of(small));
    }

    @Test
    void listWithVersionAndMoreBehindThePinsIsRead() throws IOException {
        Files.writeString(
                directory.resolve("pins.json"),
                "{\"more\":{\"a\":[1]},\"pins\":[{\"repository\":\"docker.io/library/pinned\",\"reference\":\"v1\"},5],"
                        + "\"version\":1,\"last\":[]}");
        assertThat(list.contents()).contains(new PinList.Contents(List.of(Pin.all(REPOSITORY, new Tag("v1"))), 1));
    }

    @Test
    void fileThatIsNoListOfThisFormatIsNone() throws IOException {
        for (String text : List.of(
                "",
                "[]",
                "{}",
                "{\"version\":1}",
                "{\"version\":1,\"pins\":{}}",
                "{\"version\":2,\"pins\":[]}",
                "{\"version\":1,\"pins\":[]",
                "{\"version\":1,\"pins\":[]} {}",
                "not even JSON")) {
            Files.writeString(directory.resolve("pins.json"), text);
            assertThatThrownBy(list::read)
                    .as(text)
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("list of pins");
        }
    }

    @Test
    void pinsThatTogetherGoOverTheLimitAreListed() throws IOException {
        try (CacheFixture fixture = new CacheFixture(directory)) {
            PinListing listing = fixture.index.pinListing();
            Pin small = pins(1).getFirst();
            List<Pin> large = List.of(large("v1"), large("v2"));
            listing.requireRoom(large.getFirst());
            fixture.evictor.pins().pin(small);
            listing.requireRoom(large.getLast());
            large.forEach(fixture.index.pins()::put);
            fixture.index.flush();
            listing.changed(false);
            assertThat(list.read().orElseThrow()).containsExactlyInAnyOrder(small, large.getFirst(), large.getLast());
        }
    }

    private static Pin large(String tag) {
        return new Pin(
                REPOSITORY,
                new Tag(tag),
                Collections.nCopies(180_000, Platform.parse("linux/arm64/" + "v".repeat(200))),
                true);
    }

    @Test
    void listThatCouldNotBeWrittenForWantOfMemoryIsWrittenAtTheNextLook() throws IOException {
        try (CacheFixture fixture = new CacheFixture(directory)) {
            Pin pin = pins(1).getFirst();
            fixture.evictor.pins().pin(pin);
            // One that cannot all be read is kept aside first, and that asks for the time.
            Files.writeString(directory.resolve("pins.json"), "{\"version\":1,\"pins\":[5]}");
            PinListing listing = new PinListing(list, fixture.index.pins(), new BrokenOnce());
            assertThatThrownBy(listing::catchUp).isInstanceOf(OutOfMemoryError.class);
            listing.catchUp();
            assertThat(list.read()).contains(List.of(pin));
        }
    }

    /** A clock that fails the first time. */
    private static final class BrokenOnce extends Clock {
        private final AtomicBoolean broken = new AtomicBoolean(true);

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            if (broken.getAndSet(false)) {
                throw new OutOfMemoryError("by the test");
            }
            return Instant.EPOCH;
        }
    }
}
