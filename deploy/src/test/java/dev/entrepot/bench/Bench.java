package dev.entrepot.bench;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;

/**
 * What a scenario has to hand.
 *
 * @param workspace a folder of the scenario's own
 * @param upstream the registry behind all servers
 * @param section where its figures go
 * @param options what the command line asked for
 */
record Bench(Workspace workspace, FakeUpstream upstream, Report.Section section, Options options) {
    /** One mebibyte. */
    static final long MIB = 1L << 20;

    /** One gibibyte. */
    static final long GIB = 1L << 30;

    /** The server whose figures stand in our column. */
    Server startSubject() throws Exception {
        return startSubject(Launch.plain(upstream.place()));
    }

    /** The server whose figures stand in our column. */
    Server startSubject(Launch launch) throws Exception {
        return options.subject().start(workspace, launch);
    }

    /** nginx, over plain HTTP. */
    Server startNginx() throws Exception {
        return Contestant.NGINX.start(workspace, Launch.plain(upstream.place()));
    }

    /**
     * Pulls new blobs through the servers, so that their code is warm, and checks that what they send is what was asked
     * for.
     */
    void rehearse(List<Server> servers, int pulls, long bytes) throws Exception {
        for (int i = 0; i < pulls; i++) {
            String digest = upstream.blob(bytes).digest();
            for (Server server : servers) {
                Crowd.pull(server.place(), 4, 2, server.place().blob(digest));
                verify(server.place(), digest);
            }
        }
        workspace.settle();
    }

    /**
     * Pulls a blob over plain HTTP and compares its digest: figures of a server that sends something else are worth
     * nothing.
     */
    void verify(Place place, String digest) throws Exception {
        MessageDigest hash = MessageDigest.getInstance("SHA-256");
        try (InputStream in =
                URI.create(place.root() + place.blob(digest)).toURL().openStream()) {
            byte[] buffer = new byte[64 * 1024];
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                hash.update(buffer, 0, count);
            }
        }
        String got = "sha256:" + HexFormat.of().formatHex(hash.digest());
        if (!got.equals(digest)) {
            throw new IOException(place.name() + " sent " + got + " for " + digest);
        }
    }
}
