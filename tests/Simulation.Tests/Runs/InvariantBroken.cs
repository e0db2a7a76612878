namespace Backhaul.Simulation.Tests.Runs;

/// <summary>
/// A promise of docs/architecture.md that did not hold; the number is that of docs/simulation.md. It is noted when it is made, for the thread of its
/// world: many are made inside the product, which catches what its parts throw, and the run must end all the same.
/// </summary>
internal sealed class InvariantBrokenException : Exception
{
    [ThreadStatic]
    private static InvariantBrokenException? _first;

    public InvariantBrokenException(string number, string message)
        : base($"{number}: {message}")
    {
        Number = number;
        _first ??= this;
    }

    public string Number { get; }

    /// <summary>A run begins on this thread.</summary>
    public static void Begin() => _first = null;

    /// <summary>Ends the run when a promise was broken, whoever has caught it.</summary>
    public static void ThrowIfAny()
    {
        if (_first is { } first)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
    }
}
