using Npgsql;
using NpgsqlTypes;

namespace Backhaul.Node.Journal.Postgres;

/// <summary>Positional parameters with their exact type: the server infers none, so a prepared statement has one form only.</summary>
internal static class PostgresParameters
{
    public static NpgsqlParameterCollection With(this NpgsqlParameterCollection parameters, int value) => Add(parameters, NpgsqlDbType.Integer, value);

    public static NpgsqlParameterCollection With(this NpgsqlParameterCollection parameters, long value) => Add(parameters, NpgsqlDbType.Bigint, value);

    public static NpgsqlParameterCollection With(this NpgsqlParameterCollection parameters, Guid value) => Add(parameters, NpgsqlDbType.Uuid, value);

    public static NpgsqlParameterCollection With(this NpgsqlParameterCollection parameters, string? value) => Add(parameters, NpgsqlDbType.Text, value);

    public static NpgsqlParameterCollection With(this NpgsqlParameterCollection parameters, DateTimeOffset value) =>
        Add(parameters, NpgsqlDbType.TimestampTz, value.UtcDateTime);

    public static NpgsqlParameterCollection With(this NpgsqlParameterCollection parameters, ReadOnlyMemory<byte> value) =>
        Add(parameters, NpgsqlDbType.Bytea, value);

    public static NpgsqlParameterCollection WithArray<T>(this NpgsqlParameterCollection parameters, NpgsqlDbType element, T[] values) =>
        Add(parameters, NpgsqlDbType.Array | element, values);

    private static NpgsqlParameterCollection Add<T>(NpgsqlParameterCollection parameters, NpgsqlDbType type, T value)
    {
        parameters.Add(new NpgsqlParameter<T> { NpgsqlDbType = type, TypedValue = value });
        return parameters;
    }
}
