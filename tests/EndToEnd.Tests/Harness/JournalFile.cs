using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Backhaul.EndToEnd.Tests;

/// <summary>A row of a stopped node's journal.</summary>
internal sealed record JournalEntry(string Session, long Sequence, long Epoch, string EventType, long? Number, JsonElement Payload)
{
    public string Task => Payload.TryGetProperty("task", out var task) ? task.GetString()! : "";
}

/// <summary>Looks into, and damages, the journal of a node that is not running.</summary>
internal static class JournalFile
{
    static JournalFile() => SQLitePCL.Batteries_V2.Init();

    public static string PathIn(string data) =>
        Directory.EnumerateFiles(data, "*.db").Single();

    /// <summary>Every row, in order of session and sequence. Reads a copy: a file that was looked at is not the file of the crash any more.</summary>
    public static List<JournalEntry> Read(string data)
    {
        var copy = Directory.CreateTempSubdirectory("backhaul-journal-").FullName;
        try
        {
            foreach (var file in Directory.EnumerateFiles(data))
                File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
            using var database = Open(PathIn(copy));
            using var query = database.CreateCommand();
            query.CommandText = "SELECT session_id, sequence, epoch, event_type, number, payload FROM session_journal ORDER BY session_id, sequence";
            using var reader = query.ExecuteReader();
            var rows = new List<JournalEntry>();
            while (reader.Read())
            {
                using var payload = JsonDocument.Parse((byte[])reader[5]);
                rows.Add(new JournalEntry(
                    reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetString(3), reader.IsDBNull(4) ? null : reader.GetInt64(4),
                    payload.RootElement.Clone()));
            }
            return rows;
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    /// <summary>Runs a statement on the journal itself; how many rows it changed.</summary>
    public static int Execute(string data, string sql)
    {
        using var database = Open(PathIn(data));
        using var command = database.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteNonQuery();
    }

    private static SqliteConnection Open(string path)
    {
        var database = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        database.Open();
        return database;
    }
}
