"""Clinical measures: volumes, strain, velocities and flows of the heart.

`echo.measure_recording` measures whatever a recording has, `exam.measure_examination`
what several recordings have together, and `table.measure_dataset` all of a dataset. The
modules beneath hold the formulas: `discs` and `ventricle` for volumes, `strain` and
`annulus` for the wall, `velocity` for tissue Doppler, `envelope`, `doppler` and
`inflow` for flows, and `timing` for end-diastole and end-systole.

References
----------
Lang et al., Recommendations for cardiac chamber quantification by echocardiography in
adults, ASE and EACVI 2015. Voigt et al., Definitions for a common standard for 2D
speckle tracking echocardiography, EACVI, ASE and industry 2015. Badano et al.,
Standardization of left atrial, right ventricular, and right atrial deformation imaging,
EACVI, ASE and industry 2018. Nagueh et al., Recommendations for the evaluation of left
ventricular diastolic function, ASE and EACVI 2016. Baumgartner et al., Recommendations
on the echocardiographic assessment of aortic valve stenosis, EACVI and ASE 2017.
"""
