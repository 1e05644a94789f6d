package dev.entrepot.replicator.journal;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;

/** {@link RunRecord} as rows. */
final class RunRows {
    static final String SELECT = "SELECT id, rule, cause, started, ended, outcome, report, round_of FROM run";

    private RunRows() {}

    static RunRecord read(ResultSet row) throws SQLException {
        long ended = row.getLong(5);
        long roundOf = row.getLong(8);
        return new RunRecord(
                row.getLong(1),
                row.getString(2),
                row.getString(3),
                Instant.ofEpochMilli(row.getLong(4)),
                ended == 0 ? Optional.empty() : Optional.of(Instant.ofEpochMilli(ended)),
                row.getString(6),
                Optional.ofNullable(row.getString(7)),
                roundOf == 0 ? OptionalLong.empty() : OptionalLong.of(roundOf));
    }
}
