using System.Diagnostics.CodeAnalysis;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>What became of an input: a value of the domain, or what is wrong with it. Never both, never neither.</summary>
internal readonly struct Validated<T>
    where T : class
{
    private Validated(T? value, Problem? problem)
    {
        Value = value;
        Problem = problem;
    }

    public T? Value { get; }

    public Problem? Problem { get; }

    [MemberNotNullWhen(true, nameof(Value))]
    [MemberNotNullWhen(false, nameof(Problem))]
    public bool IsValid => Value is not null;

    public static implicit operator Validated<T>(T value) => new(value, null);

    public static implicit operator Validated<T>(Problem problem) => new(null, problem);
}
