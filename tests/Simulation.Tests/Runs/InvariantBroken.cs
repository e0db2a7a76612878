namespace Backhaul.Simulation.Tests.Runs;

/// <summary>A promise of docs/architecture.md that did not hold; the number is that of docs/simulation.md.</summary>
internal sealed class InvariantBrokenException(string number, string message) : Exception($"{number}: {message}")
{
    public string Number { get; } = number;
}
