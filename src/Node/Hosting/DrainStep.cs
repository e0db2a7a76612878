namespace Backhaul.Node.Hosting;

/// <summary>One step of an orderly stop. It is given up after its time; the steps after it are done all the same.</summary>
internal sealed record DrainStep(string Name, TimeSpan Within, Func<CancellationToken, ValueTask> Run);
